"""What happened, told: as text, and as a picture."""
