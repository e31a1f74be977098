//go:build pando_plant_lost_claim

package planted

// LostClaim: a claim is forgotten when it is released, although older snapshots are open.
const LostClaim = true
