package store

import (
	"context"
	"sync"
)

// Memory is a [Store] that lives as long as the process. It accepts and refuses the same documents as [File].
type Memory struct {
	mu   sync.Mutex
	docs documents
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{docs: documents{}} }

// Get implements [Store].
func (m *Memory) Get(ctx context.Context, key string) (Document, error) {
	if err := ctx.Err(); err != nil {
		return Document{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.docs.get(key)
}

// Put implements [Store].
func (m *Memory) Put(ctx context.Context, key string, data []byte, version string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	w, err := newWrite(key, data, version)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.docs.apply(w); err != nil {
		return "", err
	}
	return versionOf(w.data), nil
}

// List implements [Store].
func (m *Memory) List(ctx context.Context, prefix string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.docs.list(prefix), nil
}
