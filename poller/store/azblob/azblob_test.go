package azblob_test

import (
	"testing"

	"github.com/bittrance/kitops/poller/store/azblob"
	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

func TestStore(t *testing.T) {
	objects.Run(t, open)
}

// open makes a store with the account's key from the environment.
func open(t *testing.T, b *objects.Bucket) (*bucket.Store, *objects.Server) {
	t.Helper()
	server := b.Azure(t)
	return storeAt(t, "azblob://account/container/team?endpoint="+server.URL, env{"AZURE_STORAGE_KEY": "c2VjcmV0"}), server
}

type env map[string]string

func (e env) get(name string) string { return e[name] }

func storeAt(t *testing.T, url string, vars env) *bucket.Store {
	t.Helper()
	location, err := azblob.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	client := bucket.Client()
	t.Cleanup(client.CloseIdleConnections)
	c := azblob.New(location, azblob.NewCredentials(vars.get, client))
	return bucket.New(c, bucket.Options{Folder: location.Prefix + "/tasks", Writer: "kitops/test"})
}
