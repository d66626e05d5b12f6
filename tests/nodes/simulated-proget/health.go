package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
)

// product is the running simulation: its settings, and what has been asked of it.
type product struct {
	settings *settings
	mutex    sync.Mutex
	wishes   wishes
}

func newProduct(settings *settings) *product {
	return &product{settings: settings, wishes: defaultWishes()}
}

// health is the JSON form; the names are the product's, the plural of the database's detail included.
type health struct {
	ApplicationName       string            `json:"applicationName"`
	DatabaseStatus        string            `json:"databaseStatus"`
	DatabaseStatusDetails *string           `json:"databaseStatusDetails"`
	ExtensionsInstalled   map[string]string `json:"extensionsInstalled"`
	LicenseStatus         string            `json:"licenseStatus"`
	LicenseStatusDetail   *string           `json:"licenseStatusDetail"`
	VersionNumber         string            `json:"versionNumber"`
	ReleaseNumber         string            `json:"releaseNumber"`
	ServiceStatus         string            `json:"serviceStatus"`
	ServiceStatusDetail   *string           `json:"serviceStatusDetail"`
	ReplicationStatus     json.RawMessage   `json:"replicationStatus"`
}

// handler routes like the product: /health in its forms, a page for everything else, and our own /simulate.
func (p *product) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", p.withFaults(func(writer http.ResponseWriter, request *http.Request) {
		p.serveHealth(writer, p.settings.form == "2025" || request.URL.Query().Get("format") == "json")
	}))
	mux.HandleFunc("GET /health/json", p.withFaults(func(writer http.ResponseWriter, request *http.Request) {
		if p.settings.form == "2025" {
			http.NotFound(writer, request)
			return
		}
		p.serveHealth(writer, true)
	}))
	mux.HandleFunc("PUT /simulate", p.serveSimulate)
	mux.HandleFunc("GET /simulate", p.serveSimulate)
	mux.HandleFunc("GET /{$}", func(writer http.ResponseWriter, _ *http.Request) {
		writer.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(writer, "<!DOCTYPE html><title>%s</title><h1>%[1]s %s</h1>\n", p.settings.product, p.settings.version.number())
	})
	return mux
}

func (p *product) serveHealth(writer http.ResponseWriter, asJSON bool) {
	state, problem := p.health()
	status := http.StatusOK
	if problem != "" {
		status = http.StatusInternalServerError
	}
	if asJSON {
		writer.Header().Set("Content-Type", "application/json; charset=utf-8")
		writer.WriteHeader(status)
		_ = json.NewEncoder(writer).Encode(state)
		return
	}
	writer.Header().Set("Content-Type", "text/plain; charset=utf-8")
	writer.WriteHeader(status)
	if problem == "" {
		problem = "OK"
	}
	_, _ = writer.Write([]byte(problem))
}

// health returns the state, and the problem in words, "" where there is none.
func (p *product) health() (*health, string) {
	p.mutex.Lock()
	wishes := p.wishes
	p.mutex.Unlock()
	v := p.settings.version
	state := &health{ApplicationName: p.settings.product, DatabaseStatus: wishes.Database,
		DatabaseStatusDetails: wishes.DatabaseDetail, ExtensionsInstalled: map[string]string{"InedoCore": "3.0.4"},
		LicenseStatus: wishes.License, LicenseStatusDetail: wishes.LicenseDetail, VersionNumber: v.number(),
		ReleaseNumber: v.release, ServiceStatus: wishes.Service, ServiceStatusDetail: wishes.ServiceDetail,
		ReplicationStatus: wishes.Replication}
	if active, uid, err := p.settings.activated(); err != nil || !active {
		detail := fmt.Sprintf("This server (Machine UID %s) requires activation for %s %d.", uid, p.settings.product, v.year())
		if err != nil {
			detail = "Activation: the machine cannot be identified: " + err.Error()
		}
		if state.LicenseStatus == statusOK {
			state.LicenseStatus, state.LicenseStatusDetail = "Error", &detail
		}
	}
	problem := ""
	for _, row := range []struct {
		name, status string
		detail       *string
	}{{"Database", state.DatabaseStatus, state.DatabaseStatusDetails},
		{"License", state.LicenseStatus, state.LicenseStatusDetail},
		{"Service", state.ServiceStatus, state.ServiceStatusDetail}} {
		if row.status == statusOK {
			continue
		}
		if problem != "" {
			problem += "\n"
		}
		problem += row.name + ": " + row.status
		if row.detail != nil {
			problem += ": " + *row.detail
		}
	}
	return state, problem
}
