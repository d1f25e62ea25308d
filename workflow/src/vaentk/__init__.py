"""Over-parameterised variational autoencoders: kernels, training dynamics, measures."""
