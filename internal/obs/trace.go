package obs

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Traces sends a span for every answered request to an OpenTelemetry collector.
// A nil *Traces does nothing: tracing is off unless a collector is named.
type Traces struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// NewTraces sends spans to the OTLP/HTTP collector at endpoint, a URL such as
// http://127.0.0.1:4318; an empty one turns tracing off.
func NewTraces(ctx context.Context, endpoint, version string) (*Traces, error) {
	if endpoint == "" {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(strings.TrimRight(endpoint, "/")+"/v1/traces"), otlptracehttp.WithTimeout(5*time.Second))
	if err != nil {
		return nil, fmt.Errorf("obs: tracing: %w", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "doorstep"), attribute.String("service.version", version))))
	return &Traces{provider: provider, tracer: provider.Tracer("doorstep")}, nil
}

// Request notes one answered request that took so long until now. id is its
// trace id in hex, as the caller sent or got it. Only the declared route is
// told, never the path, for paths hold tokens.
func (t *Traces) Request(id, method, route string, status int, now time.Time, took time.Duration) {
	if t == nil {
		return
	}
	ctx := context.Background()
	if traceID, err := trace.TraceIDFromHex(id); err == nil {
		var parent trace.SpanID
		_, _ = rand.Read(parent[:]) // crypto/rand never fails: it ends the program instead
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: traceID, SpanID: parent, TraceFlags: trace.FlagsSampled, Remote: true,
		}))
	}
	_, span := t.tracer.Start(ctx, method+" "+route, trace.WithTimestamp(now.Add(-took)), trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route),
			attribute.Int("http.response.status_code", status)))
	if status >= 500 {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(now))
}

// Close sends what is left, until ctx ends.
func (t *Traces) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}
