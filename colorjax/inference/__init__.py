"""Networks applied to images of any size and of 8 or 16 bits, in bounded memory."""
