"""Full-batch gradient descent with the displacement as the trained quantity."""
