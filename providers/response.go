package providers

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// A Response is one whole exchange: the request as it was sent and what came
// back, whatever it says.
type Response struct {
	Call        string // TokenCall or the name of the call
	Request     *http.Request
	RequestBody []byte

	Status   int // 0 when no response arrived
	Header   http.Header
	Body     []byte // raw, decompressed
	Started  time.Time
	Duration time.Duration
	Err      error // why no response arrived
}

// exchange sends the request and reads the response into r.
func (r *Response) exchange(ctx context.Context, transport http.RoundTripper) error {
	resp, err := transport.RoundTrip(r.Request.WithContext(ctx))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	r.Header = resp.Header
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	if err != nil {
		return err
	}
	if len(body) > MaxBody {
		return ErrTooLarge
	}
	r.Status, r.Body = resp.StatusCode, body
	return nil
}

// ContentType returns the media type without its parameters, in lower case.
func (r *Response) ContentType() string {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return strings.ToLower(r.Header.Get("Content-Type"))
	}
	return mediaType
}

// ErrNotJSON is returned for a body that is not one JSON value.
var ErrNotJSON = errors.New("the body is not JSON")

// JSON returns the body for gjson, which itself would find values in broken
// JSON and in HTML.
func (r *Response) JSON() (gjson.Result, error) {
	if !json.Valid(r.Body) {
		return gjson.Result{}, ErrNotJSON
	}
	return gjson.ParseBytes(r.Body), nil
}

// ErrorCode returns the error code of an error response (RFC 6749 5.2) at the
// provider's own path, or "" when there is none.
func (p *Provider) ErrorCode(r *Response) string {
	body, err := r.JSON()
	if err != nil || p.Auth.Error == "" {
		return ""
	}
	if code := body.Get(p.Auth.Error); code.Type == gjson.String || code.Type == gjson.Number {
		return code.String()
	}
	return ""
}
