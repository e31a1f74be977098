//go:build !pando_plant_record_apart

package planted

// RecordApart: what a retry is answered from is kept in memory, and not in the commit's batch.
const RecordApart = false
