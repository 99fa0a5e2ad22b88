"""What is carried out, and what makes it safe to carry out again."""
