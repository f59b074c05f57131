// A web app in nothing but Go's own library.
package main

import (
	"context"
	"html/template"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func main() {
	home := template.Must(template.ParseFiles("templates/home.html"))
	http.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("ok\n"))
	})
	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		log.Println(r.Method, r.URL.Path)
		home.Execute(w, map[string]string{
			"Greeting": env("GREETING", "Hello"),
			"App":      env("PORTSIDE_APP", "your app"),
			"Release":  env("RELEASE_VERSION", "your laptop"),
		})
	})
	server := &http.Server{Addr: ":" + env("PORT", "5000"), ReadHeaderTimeout: 10 * time.Second}

	// A release that is replaced gets SIGTERM: finish what is under way, then end.
	told, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	ended := make(chan struct{})
	go func() {
		<-told.Done()
		server.Shutdown(context.Background())
		close(ended)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-ended
}
