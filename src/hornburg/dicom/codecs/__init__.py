"""Codecs of pixel data: one frame in, one frame out. They run in processes of their own."""
