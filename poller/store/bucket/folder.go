package bucket

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"
)

// Sub is the store of a folder of this one's, which its listings leave out.
func (s *Store) Sub(folder string) *Store {
	return &Store{s.requests, s.folder + escape(folder) + "/", s.writer}
}

// Touch writes an empty object, whatever is there: nothing of it is read but when that was.
func (s *Store) Touch(ctx context.Context, key string) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	if _, err := s.put(ctx, s.folder+escape(key), nil, Condition{}); err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

// Remove deletes the document of a key, or what Touch has written, whatever it is.
func (s *Store) Remove(ctx context.Context, key string) error {
	for _, name := range []string{s.folder + escape(key), s.folder + escape(key) + Suffix} {
		limited, cancel := context.WithTimeout(ctx, s.timeout)
		err := s.objects.Remove(limited, name)
		cancel()
		if err != nil {
			return fmt.Errorf("remove %s: %w", key, err)
		}
	}
	return nil
}

// Found is an object below a folder.
type Found struct {
	Folder []string // the keys of the folders that it is in, from the store's on
	Entry
}

// All lists everything below the store's folder, in any order, with the server's time of when it began. A deleted document and
// what Touch has written have no Version.
func (s *Store) All(ctx context.Context) ([]Found, time.Time, error) { return s.below(ctx, "") }

// Touched tells when a key was, by the server's clock; the zero time is never. Now is that of the answer.
func (s *Store) Touched(ctx context.Context, key string) (at, now time.Time, err error) {
	all, now, err := s.below(ctx, escape(key))
	for _, found := range all {
		if found.Key == key && len(found.Folder) == 0 && found.Version == "" {
			at = found.Modified
		}
	}
	return at, now, err
}

func (s *Store) below(ctx context.Context, prefix string) ([]Found, time.Time, error) {
	objects, now, err := s.list(ctx, s.folder+prefix)
	if err != nil {
		return nil, now, fmt.Errorf("list %s/%s: %w", s.objects, s.folder, err)
	}
	all := make([]Found, 0, len(objects))
	for _, object := range objects {
		name, inside := strings.CutPrefix(object.Name, s.folder)
		folder, base := path.Split(name)
		found := Found{Entry: Entry{Modified: object.Modified}}
		if object.Size > 0 {
			found.Version = object.ETag
		}
		for part := range strings.SplitSeq(strings.TrimSuffix(folder, "/"), "/") {
			key, ours := unescape(part)
			inside = inside && ours
			if folder != "" {
				found.Folder = append(found.Folder, key)
			}
		}
		key, ours := unescape(strings.TrimSuffix(base, Suffix))
		if inside && ours {
			found.Key = key
			all = append(all, found)
		}
	}
	return all, now, nil
}
