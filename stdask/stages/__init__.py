"""The stages of a run, a package each; a stage knows another only by the files it wrote."""
