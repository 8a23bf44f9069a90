"""What a run folder records: settings, receipts, ledgers, lock, progress, model card."""
