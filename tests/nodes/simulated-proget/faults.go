package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const statusOK = "OK"

// Ways in which /health fails as a whole.
const (
	modeOK       = "ok"
	modeError    = "500"
	modeSlow     = "slow"
	modeCut      = "cut"
	modeGarbage  = "garbage"
	modeNoAnswer = "noanswer"
	modeHTML     = "html"
)

const garbageMax = 64 * 1024 * 1024

// wishes is the body of PUT /simulate; members that are absent stay as they are.
type wishes struct {
	Database       string          `json:"database"`
	DatabaseDetail *string         `json:"databaseDetail"`
	License        string          `json:"license"`
	LicenseDetail  *string         `json:"licenseDetail"`
	Service        string          `json:"service"`
	ServiceDetail  *string         `json:"serviceDetail"`
	Replication    json.RawMessage `json:"replication"`
	Mode           string          `json:"mode"`
	DelaySeconds   float64         `json:"delaySeconds"`
	GarbageBytes   int             `json:"garbageBytes"`
	Activate       *bool           `json:"activate,omitempty"`
}

func defaultWishes() wishes {
	return wishes{Database: statusOK, License: statusOK, Service: statusOK, Replication: json.RawMessage("null"),
		Mode: modeOK, DelaySeconds: 10, GarbageBytes: 1024 * 1024}
}

func (w *wishes) check() error {
	switch w.Mode {
	case modeOK, modeError, modeSlow, modeCut, modeGarbage, modeNoAnswer, modeHTML:
	default:
		return fmt.Errorf("mode %q is none of ok, 500, slow, cut, garbage, noanswer, html", w.Mode)
	}
	if w.GarbageBytes < 0 || w.GarbageBytes > garbageMax || w.DelaySeconds < 0 || w.DelaySeconds > 3600 {
		return fmt.Errorf("garbageBytes is 0 to %d, delaySeconds 0 to 3600", garbageMax)
	}
	return nil
}

// serveSimulate changes the wishes (PUT), and shows them.
func (p *product) serveSimulate(writer http.ResponseWriter, request *http.Request) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if request.Method == http.MethodPut {
		changed := p.wishes
		decoder := json.NewDecoder(http.MaxBytesReader(writer, request.Body, 1024*1024))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&changed)
		if err == nil {
			err = changed.check()
		}
		if err == nil && changed.Activate != nil {
			err = p.settings.activate(*changed.Activate)
			changed.Activate = nil
		}
		if err != nil {
			http.Error(writer, err.Error(), http.StatusBadRequest)
			return
		}
		p.wishes = changed
	}
	writer.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(writer).Encode(p.wishes)
}

// withFaults answers as the mode says; ok (and slow, in the end) goes on to the real answer.
func (p *product) withFaults(next http.HandlerFunc) http.HandlerFunc {
	return func(writer http.ResponseWriter, request *http.Request) {
		p.mutex.Lock()
		wishes := p.wishes
		p.mutex.Unlock()
		switch wishes.Mode {
		case modeError:
			http.Error(writer, "An unexpected error occurred.", http.StatusInternalServerError)
		case modeSlow:
			timer := time.NewTimer(time.Duration(wishes.DelaySeconds * float64(time.Second)))
			defer timer.Stop()
			select {
			case <-timer.C:
				next(writer, request)
			case <-request.Context().Done():
			}
		case modeCut:
			cut(writer)
		case modeGarbage:
			garbage(writer, wishes.GarbageBytes)
		case modeNoAnswer:
			<-request.Context().Done()
			panic(http.ErrAbortHandler)
		case modeHTML:
			writer.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(writer, "<!DOCTYPE html><html><body><h1>Please wait</h1><p>Upgrading the database.</p></body></html>\n")
		default:
			next(writer, request)
		}
	}
}

// cut promises more than it sends and closes the connection.
func cut(writer http.ResponseWriter) {
	writer.Header().Set("Content-Type", "application/json; charset=utf-8")
	writer.Header().Set("Content-Length", "4096")
	_, _ = writer.Write([]byte(`{"applicationName":"ProGet","databaseSta`))
	if flusher, ok := writer.(http.Flusher); ok {
		flusher.Flush()
	}
	panic(http.ErrAbortHandler)
}

// garbage sends bytes that mean nothing, the same ones every time, under the right content type.
func garbage(writer http.ResponseWriter, bytes int) {
	writer.Header().Set("Content-Type", "application/json; charset=utf-8")
	writer.Header().Set("Content-Length", strconv.Itoa(bytes))
	block := make([]byte, 32*1024)
	state := uint32(2463534242)
	for bytes > 0 {
		for i := range block {
			state ^= state << 13
			state ^= state >> 17
			state ^= state << 5
			block[i] = byte(state)
		}
		count := min(bytes, len(block))
		if _, err := writer.Write(block[:count]); err != nil {
			return
		}
		bytes -= count
	}
}
