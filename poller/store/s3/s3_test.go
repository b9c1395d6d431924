package s3_test

import (
	"testing"

	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/s3"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

func TestStore(t *testing.T) {
	objects.Run(t, open)
}

// open makes a store with keys from the environment, as most people have them.
func open(t *testing.T, b *objects.Bucket) (*bucket.Store, *objects.Server) {
	t.Helper()
	server := b.S3(t)
	return storeAt(t, "s3://bucket/team?region=eu-north-1&endpoint="+server.URL, env{"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK"}), server
}

type env map[string]string

func (e env) get(name string) string { return e[name] }

func storeAt(t *testing.T, url string, vars env) *bucket.Store {
	t.Helper()
	location, err := s3.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	client := bucket.Client()
	t.Cleanup(client.CloseIdleConnections)
	b := s3.New(location, s3.NewCredentials(vars.get, t.TempDir(), client), client)
	return bucket.New(b, bucket.Options{Folder: location.Prefix + "/tasks", Writer: "kitops/test"})
}
