//go:build stores

package azblob_test

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/azblob"
	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/storetest"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestServers runs the suite and the probe on the Azurite that KITOPS_AZURITE names.
func TestServers(t *testing.T) {
	const secret = "a2l0b3Bz" // in base64
	server := objects.Start(t, func(host, port string) []string {
		return []string{"node", os.Getenv("KITOPS_AZURITE"), "--blobHost", host, "--blobPort", port, "--inMemoryPersistence", "--skipApiVersionCheck", "--silent"}
	}, "AZURITE_ACCOUNTS=kitops:"+secret)
	key, err := container.NewSharedKeyCredential("kitops", secret)
	if err != nil {
		t.Fatal(err)
	}
	made, err := container.NewClientWithSharedKeyCredential("http://"+server+"/kitops/container", key, nil)
	if err == nil {
		_, err = made.Create(t.Context(), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	at := "azblob://kitops/container?endpoint=http://" + server
	storetest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		return bucket.New(realContainer(t, at), bucket.Options{Folder: folderOf(t), Writer: "kitops/test"})
	})
	for range 10 {
		racers := make([]bucket.Objects, bucket.Racers)
		for i := range racers {
			racers[i] = realContainer(t, at)
		}
		if unclean, err := bucket.Probe(t.Context(), racers, folderOf(t)); err != nil || unclean != nil {
			t.Fatal(err, unclean)
		}
	}
	for _, found := range realContainer(t, at).Inspect(t.Context(), folderOf(t)) {
		if found.Remedy != "" {
			t.Errorf("doctor would warn of it: %s", found.Text)
		}
	}
}

func folderOf(t *testing.T) string {
	t.Helper()
	return strings.ReplaceAll(url.PathEscape(t.Name()), "%", "=")
}

func realContainer(t *testing.T, at string) *azblob.Container {
	t.Helper()
	location, err := azblob.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	client := bucket.Client()
	t.Cleanup(client.CloseIdleConnections)
	return azblob.New(location, azblob.NewCredentials(env{"AZURE_STORAGE_KEY": "a2l0b3Bz"}.get, client))
}
