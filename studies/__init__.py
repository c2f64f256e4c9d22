"""Studies: published experiments on contrastive learning and faces, each one command.

    lookalike study NAME -> recipe -> steps, each done once -> report.html, report.json

They run on the engine that trains the shipped encoders (training/); what is the study's own is
small: which data, which runs, which question, and what the write-up found.
"""
