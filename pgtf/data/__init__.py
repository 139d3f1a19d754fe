"""Images: found or drawn, read, and streamed."""
