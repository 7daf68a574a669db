package mock

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/authspec/authspec/providers/simulator"
)

// spoil answers a request with a fault. What a fault puts in place of the
// provider's answer is answered by something on the way: the provider does
// not see the request.
func (p *served) spoil(w http.ResponseWriter, r *http.Request, body []byte, f *Fault) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // net/http's own writers can
	_ = control.SetWriteDeadline(time.Now().Add(f.latency + f.slow + requestTimeout))
	if !p.wait(r, f.latency) {
		p.logRequest(r, "given up", 0, "fault: "+f.spec)
		panic(http.ErrAbortHandler)
	}
	if f.reset {
		p.noted(r, body, &simulator.Response{}, f.spec)
		p.logRequest(r, "connection reset", 0, "fault: "+f.spec)
		reset(control)
		return
	}
	var resp *simulator.Response
	if f.replaces() {
		resp = f.response()
	} else {
		resp = p.respond(r, body)
	}
	if f.contentType != "" {
		resp.Header.Set("Content-Type", f.contentType)
	}
	resp.Header.Set(FaultHeader, f.spec)
	p.noted(r, body, resp, f.spec)
	p.logRequest(r, resp.Situation, resp.Status, "fault: "+f.spec)
	switch {
	case f.huge > 0:
		sendHuge(w, resp, f.huge)
	case f.truncate:
		sendTruncated(w, resp)
	case f.slow > 0:
		p.sendSlowly(w, r, resp, f.slow)
	default:
		resp.Send(w)
	}
}

// wait reports false when the client has gone or the server stops.
func (p *served) wait(r *http.Request, d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-p.server.stopping:
	}
	return false
}

// response is what answers in the provider's place.
func (f *Fault) response() *simulator.Response {
	resp := &simulator.Response{Situation: "no answer of the provider", Status: f.status, Header: http.Header{}}
	orElse := func(status int) {
		if resp.Status == 0 {
			resp.Status = status
		}
	}
	switch {
	case f.html:
		orElse(http.StatusBadGateway)
		title := fmt.Sprintf("%d %s", resp.Status, http.StatusText(resp.Status))
		resp.Header.Set("Content-Type", "text/html; charset=utf-8")
		resp.Body = []byte("<!DOCTYPE html>\n<html><head><title>" + title + "</title></head>\n<body><h1>" + title + "</h1><hr>authspec mock</body></html>\n")
	case f.redirect != "":
		orElse(http.StatusFound)
		resp.Header.Set("Location", f.redirect)
	case f.huge != 0:
		orElse(http.StatusOK)
		resp.Header.Set("Content-Type", "application/json")
	default:
		resp.Header.Set("Content-Type", "application/json")
		resp.Body, _ = json.Marshal(map[string]string{"authspec": "fault", "fault": f.spec}) // strings cannot fail
		resp.Body = append(resp.Body, '\n')
	}
	switch {
	case f.retryAfter > 0:
		resp.Header.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.retryAfter.Seconds()))))
	case f.retryAfterDate > 0:
		resp.Header.Set("Retry-After", time.Now().Add(f.retryAfterDate+time.Second-1).UTC().Format(http.TimeFormat))
	}
	return resp
}

// reset ends the connection by RST, not FIN: what was not read is lost, and
// the client sees "connection reset by peer".
func reset(control *http.ResponseController) {
	conn, _, err := control.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = conn.Close() }()
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = wrapped.NetConn() // TLS would say goodbye
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a connection that is gone already needs no reset
		_ = tcp.Close()
	}
}

// sendTruncated promises the whole body and sends half of it; net/http then
// closes the connection.
func sendTruncated(w http.ResponseWriter, resp *simulator.Response) {
	half := *resp
	half.Body = resp.Body[:len(resp.Body)/2]
	half.Send(promise{w, max(len(resp.Body), 1)})
}

// promise writes a Content-Length of its own.
type promise struct {
	http.ResponseWriter
	length int
}

func (p promise) WriteHeader(status int) {
	p.Header().Set("Content-Length", strconv.Itoa(p.length))
	p.ResponseWriter.WriteHeader(status)
}

// sendSlowly sends the body in pieces, spread evenly over d.
func (p *served) sendSlowly(w http.ResponseWriter, r *http.Request, resp *simulator.Response, d time.Duration) {
	const pause = 20 * time.Millisecond // at least, between two pieces
	body := resp.Body
	if len(body) == 0 {
		p.wait(r, d)
		resp.Send(w)
		return
	}
	pieces := min(len(body), max(int(d/pause), 1))
	start := *resp
	start.Body = nil
	start.Send(promise{w, len(body)})
	for i := range pieces {
		if !p.wait(r, d/time.Duration(pieces)) {
			panic(http.ErrAbortHandler)
		}
		_, err := w.Write(body[len(body)*i/pieces : len(body)*(i+1)/pieces])
		if err != nil || http.NewResponseController(w).Flush() != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

// sendHuge streams a JSON string of about the size, without saying its length.
func sendHuge(w http.ResponseWriter, resp *simulator.Response, size int64) {
	header := w.Header()
	for name, values := range resp.Header {
		header[name] = values
	}
	w.WriteHeader(resp.Status)
	piece := strings.Repeat("x", 32<<10)
	_, err := io.WriteString(w, `{"authspec":"fault","huge":"`)
	for sent := int64(0); sent < size && err == nil; sent += int64(len(piece)) {
		_, err = io.WriteString(w, piece[:min(size-sent, int64(len(piece)))])
	}
	_, _ = io.WriteString(w, "\"}\n") // the client may have gone
}
