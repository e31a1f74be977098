package docstore

import (
	"testing"

	"github.com/pandodb/pando/internal/kv"
)

func openStore(t testing.TB) kv.Store { return newMemStore() }
