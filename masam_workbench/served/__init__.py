"""What the page fetches to draw by itself: the image, masks, surfaces, pictures of the samples."""
