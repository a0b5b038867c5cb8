// The control plane of a Kubernetes cluster in three commands of one program: etcd, the API server, and the controllers
// that Jobs live by. No scheduler and no kubelet: the tests are these.
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/component-base/cli"
	"k8s.io/controller-manager/pkg/informerfactory"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/job"
	"k8s.io/kubernetes/pkg/controller/podgc"
	"k8s.io/kubernetes/pkg/controller/ttlafterfinished"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: control-plane etcd|api-server|controllers ..."))
	}
	command := os.Args[1]
	os.Args = append(os.Args[:1], os.Args[2:]...)
	switch command {
	case "etcd":
		fail(runEtcd(os.Args[1], os.Args[2], os.Args[3]))
	case "api-server":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "controllers":
		fail(runControllers(os.Args[1], os.Args[2]))
	default:
		fail(fmt.Errorf("no such command: %s", command))
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// runEtcd keeps its data in a folder until it is told to end.
func runEtcd(folder, clientURL, peerURL string) error {
	config := embed.NewConfig()
	config.Dir = folder
	config.LogLevel = "error"
	config.UnsafeNoFsync = true
	client, err := url.Parse(clientURL)
	if err != nil {
		return err
	}
	peer, err := url.Parse(peerURL)
	if err != nil {
		return err
	}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	defer etcd.Close()
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	select {
	case err := <-etcd.Err():
		return err
	case <-ended.Done():
		return nil
	}
}

// runControllers runs what makes pods of Jobs, deletes in the foreground, and forgets what is over.
func runControllers(server, token string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	config := &rest.Config{Host: server, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true}, QPS: 200, Burst: 400}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	typed := informers.NewSharedInformerFactory(client, 0)
	untyped := metadatainformer.NewSharedInformerFactory(metadataClient, 0)
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	started := make(chan struct{})
	collector, err := garbagecollector.NewGarbageCollector(ctx, client, metadataClient, mapper,
		map[schema.GroupResource]struct{}{{Group: "", Resource: "events"}: {}}, informerfactory.NewInformerFactory(typed, untyped), started)
	if err != nil {
		return err
	}
	jobs, err := job.NewController(ctx, typed.Core().V1().Pods(), typed.Batch().V1().Jobs(), client)
	if err != nil {
		return err
	}
	ended := ttlafterfinished.New(ctx, typed.Batch().V1().Jobs(), client)
	lost := podgc.NewPodGCInternal(ctx, client, typed.Core().V1().Pods(), typed.Core().V1().Nodes(), 0, time.Second, time.Second)
	typed.Start(ctx.Done())
	untyped.Start(ctx.Done())
	close(started)
	go collector.Run(ctx, 4, 30*time.Second)
	go collector.Sync(ctx, client.Discovery(), 5*time.Second)
	go ended.Run(ctx, 1)
	go lost.Run(ctx)
	jobs.Run(ctx, 2)
	return nil
}
