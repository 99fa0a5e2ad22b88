"""What is polled, and how to tell what is new in the answers."""
