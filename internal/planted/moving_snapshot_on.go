//go:build pando_plant_moving_snapshot

package planted

// MovingSnapshot: a transaction's reads follow the newest commit.
const MovingSnapshot = true
