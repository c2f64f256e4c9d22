"""Data preparation: any data set becomes shards of crops with a manifest and a report.

data set -> reader -> entries -> plan (who is in, which split) -> crops -> shards
                                                        -> manifest.csv, report.json
"""
