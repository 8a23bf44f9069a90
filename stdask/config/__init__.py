"""What users write: run files, survey definitions, cluster profiles and atlas files, as frozen models."""
