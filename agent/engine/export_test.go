package engine

// Proof is the owner's proof that is held for a departure just now.
func (e *Engine) Proof(id string) string { return e.run(id).heldProof() }
