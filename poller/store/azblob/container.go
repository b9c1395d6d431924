package azblob

import (
	"bytes"
	"context"
	"crypto/md5"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/bittrance/kitops/poller/store/bucket"
)

// Container implements [bucket.Objects].
type Container struct {
	location    Location
	credentials *Credentials
}

const mostRead = 16 << 20 // bytes of a blob: four times what is ever written

// New asks nothing yet.
func New(location Location, credentials *Credentials) *Container {
	return &Container{location, credentials}
}

// String implements [bucket.Objects].
func (c *Container) String() string { return c.location.String() }

// Get implements [bucket.Objects].
func (c *Container) Get(ctx context.Context, name string) (bucket.Object, error) {
	client, err := c.credentials.client(c.location)
	if err != nil {
		return bucket.Object{}, c.fault(ctx, err)
	}
	out, err := client.NewBlobClient(name).DownloadStream(ctx, nil)
	if err != nil {
		e := c.fault(ctx, err)
		return bucket.Object{Now: e.Now}, e
	}
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(out.Body, mostRead))
	if err != nil {
		return bucket.Object{}, &bucket.Error{Err: err}
	}
	return bucket.Object{
		Name: name, ETag: plainETag(out.ETag), Body: body, Size: int64(len(body)), Modified: at(out.LastModified), Now: at(out.Date),
	}, nil
}

// Put implements [bucket.Objects].
func (c *Container) Put(ctx context.Context, name string, body []byte, cond bucket.Condition) (bucket.Object, error) {
	client, err := c.credentials.client(c.location)
	if err != nil {
		return bucket.Object{}, c.fault(ctx, err)
	}
	var conditions blob.ModifiedAccessConditions
	if cond.Absent {
		conditions.IfNoneMatch = to.Ptr(azcore.ETagAny)
	}
	if cond.ETag != "" {
		conditions.IfMatch = to.Ptr(azcore.ETag(`"` + cond.ETag + `"`))
	}
	sum := md5.Sum(body)
	out, err := client.NewBlockBlobClient(name).Upload(ctx, streaming.NopCloser(bytes.NewReader(body)), &blockblob.UploadOptions{
		HTTPHeaders:             &blob.HTTPHeaders{BlobContentType: to.Ptr("application/yaml")},
		TransactionalValidation: blob.TransferValidationTypeMD5(sum[:]),
		AccessConditions:        &blob.AccessConditions{ModifiedAccessConditions: &conditions},
	})
	if err != nil {
		return bucket.Object{}, c.fault(ctx, err)
	}
	return bucket.Object{Name: name, ETag: plainETag(out.ETag), Size: int64(len(body)), Modified: at(out.LastModified), Now: at(out.Date)}, nil
}

// List implements [bucket.Objects].
func (c *Container) List(ctx context.Context, prefix, after string) (bucket.Page, error) {
	client, err := c.credentials.client(c.location)
	if err != nil {
		return bucket.Page{}, c.fault(ctx, err)
	}
	options := &container.ListBlobsFlatOptions{Prefix: &prefix}
	if after != "" {
		options.Marker = &after
	}
	out, err := client.NewListBlobsFlatPager(options).NextPage(ctx)
	if err != nil {
		return bucket.Page{}, c.fault(ctx, err)
	}
	page := bucket.Page{Now: at(out.Date)}
	if out.NextMarker != nil {
		page.Next = *out.NextMarker
	}
	if out.Segment == nil {
		return page, nil
	}
	for _, item := range out.Segment.BlobItems {
		if item.Name == nil || item.Properties == nil {
			continue
		}
		object := bucket.Object{Name: *item.Name, ETag: plainETag(item.Properties.ETag), Modified: at(item.Properties.LastModified)}
		if item.Properties.ContentLength != nil {
			object.Size = *item.Properties.ContentLength
		}
		page.Objects = append(page.Objects, object)
	}
	return page, nil
}

// Remove implements [bucket.Objects].
func (c *Container) Remove(ctx context.Context, name string) error {
	client, err := c.credentials.client(c.location)
	if err == nil {
		_, err = client.NewBlobClient(name).Delete(ctx, nil)
	}
	if err == nil {
		return nil
	}
	if e := c.fault(ctx, err); e.Fault != bucket.Missing {
		return e
	}
	return nil
}

func plainETag(etag *azcore.ETag) string {
	if etag == nil {
		return ""
	}
	return strings.Trim(string(*etag), `"`)
}

func at(when *time.Time) time.Time {
	if when == nil {
		return time.Time{}
	}
	return *when
}

func dateOf(header http.Header) time.Time {
	when, _ := http.ParseTime(header.Get("Date"))
	return when
}
