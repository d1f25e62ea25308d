"""Gradient flow, gradient descent, and minibatch training of VAEs."""
