package lock

// Names tells how many names the table remembers.
func (t *Table) Names() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.names)
}
