package store_test

import (
	"testing"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return store.NewMemory() })
}
