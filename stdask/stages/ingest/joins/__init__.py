"""How the stage `ingest` joins the tables of a survey."""
