// What a user's package needs to write a mixer or a task of its own.
@_exported import Architectures
@_exported import Autograd
@_exported import Configuration
@_exported import Layers
@_exported import Randomness
@_exported import TaskGenerators
@_exported import Tensors
