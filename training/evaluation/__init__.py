"""Evaluation: how good an encoder is, by one engine for training, the command and the card.

photos -> probes (one crop each, or a miss) -> embeddings -> measures -> figures -> report
"""
