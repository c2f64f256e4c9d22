"""Index: the gallery, which is a store (SQL, the truth) and a vector index (its projection).

    photos -> build -> enrolment -> Gallery.add -> store -> change log -> vector index
    embedding -> Gallery.search -> vector index -> candidates -> looked up in the store -> matches

Only faces/ is known here. FAISS is imported by `faiss_index` alone.
"""
