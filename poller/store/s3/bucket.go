package s3

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/bittrance/kitops/poller/store/bucket"
)

// Bucket implements [bucket.Objects].
type Bucket struct {
	location    Location
	client      *sdk.Client
	credentials *Credentials
}

const mostRead = 16 << 20 // bytes of an object: four times what is ever written

// New asks nothing yet. The client is [bucket.Client] unless something else is to be between. Where the location names no region,
// it is that of the environment; a server of somebody else's needs none.
func New(location Location, credentials *Credentials, client *http.Client) *Bucket {
	location.Region = cmp.Or(location.Region, credentials.Region())
	if location.Region == "" && location.Endpoint != "" {
		location.Region = "us-east-1"
	}
	options := sdk.Options{
		Region: location.Region, Credentials: credentials, AppID: "kitops",
		HTTPClient:                 &http.Client{Transport: plainErrors{client.Transport}, CheckRedirect: client.CheckRedirect},
		Retryer:                    aws.NopRetryer{},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	if location.Endpoint != "" {
		options.BaseEndpoint, options.UsePathStyle = aws.String(location.Endpoint), true
	}
	return &Bucket{location, sdk.New(options), credentials}
}

// String implements [bucket.Objects].
func (b *Bucket) String() string { return b.location.String() }

// Get implements [bucket.Objects].
func (b *Bucket) Get(ctx context.Context, name string) (bucket.Object, error) {
	out, err := b.client.GetObject(ctx, &sdk.GetObjectInput{Bucket: &b.location.Bucket, Key: &name})
	if err != nil {
		e := b.fault(ctx, "s3:GetObject", err)
		return bucket.Object{Now: e.Now}, e
	}
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(out.Body, mostRead))
	if err != nil {
		return bucket.Object{}, &bucket.Error{Err: err}
	}
	return bucket.Object{
		Name: name, ETag: plainETag(out.ETag), Body: body, Size: int64(len(body)),
		Modified: aws.ToTime(out.LastModified), Now: date(out.ResultMetadata),
	}, nil
}

// Put implements [bucket.Objects].
func (b *Bucket) Put(ctx context.Context, name string, body []byte, cond bucket.Condition) (bucket.Object, error) {
	sum := md5.Sum(body)
	in := &sdk.PutObjectInput{
		Bucket: &b.location.Bucket, Key: &name, Body: bytes.NewReader(body), ContentType: aws.String("application/yaml"),
		ContentMD5: aws.String(base64.StdEncoding.EncodeToString(sum[:])),
	}
	if cond.Absent {
		in.IfNoneMatch = aws.String("*")
	}
	if cond.ETag != "" {
		in.IfMatch = aws.String(`"` + cond.ETag + `"`)
	}
	out, err := b.client.PutObject(ctx, in)
	if err != nil {
		return bucket.Object{}, b.fault(ctx, "s3:PutObject", err)
	}
	return bucket.Object{Name: name, ETag: plainETag(out.ETag), Size: int64(len(body)), Now: date(out.ResultMetadata)}, nil
}

// List implements [bucket.Objects].
func (b *Bucket) List(ctx context.Context, prefix, after string) (bucket.Page, error) {
	in := &sdk.ListObjectsV2Input{Bucket: &b.location.Bucket, Prefix: &prefix}
	if after != "" {
		in.ContinuationToken = &after
	}
	out, err := b.client.ListObjectsV2(ctx, in)
	if err != nil {
		return bucket.Page{}, b.fault(ctx, "s3:ListBucket", err)
	}
	page := bucket.Page{Now: date(out.ResultMetadata)}
	if aws.ToBool(out.IsTruncated) {
		page.Next = aws.ToString(out.NextContinuationToken)
	}
	for _, o := range out.Contents {
		page.Objects = append(page.Objects, bucket.Object{Name: aws.ToString(o.Key), ETag: plainETag(o.ETag), Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified)})
	}
	return page, nil
}

// Remove implements [bucket.Objects].
func (b *Bucket) Remove(ctx context.Context, name string) error {
	_, err := b.client.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: &b.location.Bucket, Key: &name})
	if err != nil {
		if e := b.fault(ctx, "s3:DeleteObject", err); e.Fault != bucket.Missing {
			return e
		}
	}
	return nil
}

func plainETag(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }

// date is the server's time, zero if it said none.
func date(metadata middleware.Metadata) time.Time {
	if response, ok := awsmiddleware.GetRawResponse(metadata).(*smithyhttp.Response); ok {
		return dateOf(response.Header)
	}
	return time.Time{}
}

func dateOf(header http.Header) time.Time {
	at, _ := http.ParseTime(header.Get("Date"))
	return at
}

// plainErrors gives answers with a status of success and an error in the body, which S3 was seen to send, the status of an error:
// the SDK looks for the code then.
type plainErrors struct{ next http.RoundTripper }

func (p plainErrors) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := p.next.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(resp.Header.Get("Content-Type"), "xml") {
		return resp, err
	}
	start := make([]byte, 512)
	n, err := io.ReadFull(resp.Body, start)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	if err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	if bytes.Contains(start[:n], []byte("<Error>")) {
		resp.StatusCode = http.StatusBadRequest
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start[:n]), resp.Body), resp.Body}
	return resp, nil
}
