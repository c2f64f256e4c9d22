"""Faces: the shared vocabulary and the one path from image bytes to embeddings.

    bytes -> decode -> image -> detect -> boxes -> align -> crops -> encode -> embeddings

Nothing here knows of galleries, HTTP or training, and nothing here imports torch.
"""
