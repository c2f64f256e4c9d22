"""The landmark network: trained on photos whose manifests have boxes and landmarks.

    manifests -> data (squares of faces and of what is none) -> views -> network -> loss
    weights -> export -> landmarks.onnx, which `faces.landmarks` runs

The boxes and landmarks that it learns from are machine-made (by MTCNN): it imitates a larger
network, and where that one errs it learns the error.
"""
