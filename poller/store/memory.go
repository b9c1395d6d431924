package store

import (
	"context"
	"sync"
)

// Memory is a [Store] that lives as long as the process. It accepts and refuses the same documents as every other.
type Memory struct {
	mu   sync.Mutex
	docs Documents
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{docs: Documents{}} }

// Get implements [Store].
func (m *Memory) Get(ctx context.Context, key string) (Document, error) {
	if err := ctx.Err(); err != nil {
		return Document{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.docs.Get(key)
}

// Put implements [Store].
func (m *Memory) Put(ctx context.Context, key string, data []byte, version string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	change, err := NewChange(key, data, version)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := change.Compare(m.docs[key]); err != nil {
		return "", err
	}
	m.docs.Set(key, change.Data)
	return VersionOf(change.Data), nil
}

// List implements [Store].
func (m *Memory) List(ctx context.Context, prefix string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.docs.List(prefix), nil
}
