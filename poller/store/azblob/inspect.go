package azblob

import (
	"bytes"
	"context"
	"crypto/rand"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"

	"github.com/bittrance/kitops/poller/store/bucket"
)

// Inspect tells what of the container concerns documents below a prefix. It writes a blob, to see whether the account keeps
// versions, and removes it.
func (c *Container) Inspect(ctx context.Context, prefix string) []bucket.Finding {
	findings := []bucket.Finding{{Text: "credentials of the store: " + c.credentials.Source()}}
	client, err := c.credentials.client(c.location)
	if err != nil {
		return findings
	}
	name := strings.TrimPrefix(prefix+"/probe/"+rand.Text(), "/")
	put, err := client.NewBlockBlobClient(name).Upload(ctx, streaming.NopCloser(bytes.NewReader([]byte("# of kitops doctor\n"))), nil)
	if err == nil {
		_ = c.Remove(ctx, name)
		if put.VersionID != nil && *put.VersionID != "" {
			findings = append(findings, bucket.Versions(c.String()))
		} else {
			findings = append(findings, bucket.Finding{Text: c.String() + " keeps no versions"})
		}
	}
	properties, err := client.GetProperties(ctx, nil)
	if err != nil {
		return findings
	}
	policy, hold, kept := properties.HasImmutabilityPolicy, properties.HasLegalHold, properties.IsImmutableStorageWithVersioningEnabled
	if policy != nil && *policy || hold != nil && *hold || kept != nil && *kept {
		findings = append(findings, bucket.Finding{
			Text:   c.String() + " has an immutability policy or a legal hold, and documents are replaced all the time",
			Remedy: "use a container without",
		})
	}
	return findings
}
