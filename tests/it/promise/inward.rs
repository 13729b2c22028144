//! P15: outgoing calls cannot be turned inward.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use truecount::net::{Guard, Http, NetError, Request, Transport as _};

use super::super::fake::http_api::HttpApi;
use super::rig::Rig;
use super::rig::receiver::Receiver;
use super::secret::BINARY;

/// Hosts that mean this machine, its network or its cloud, in every spelling a parser takes.
const INWARD: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "0",
    "0.0.0.0",
    "0.0.0.1",
    "１２７.０.０.１",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "127.0.0.1.",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "ip6-localhost",
    "user:word@127.0.0.1",
    "example.com@127.0.0.1",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::]",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "0xa9fea9fe",
    "[fe80::1]",
    "[fd00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "100.64.0.1",
    "192.0.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[2001:db8::1]",
    "[2001::1]",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_spelling_of_an_inward_address_is_reached() {
    assert!(INWARD.len() >= 40);
    let reached = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut listeners = vec![listener];
    // The same port on the other loopback, where there is one.
    listeners.extend(TcpListener::bind(("::1", port)).await);
    for listener in listeners {
        let reached = Arc::clone(&reached);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                reached.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    let net = Http::new(Guard::default(), None).unwrap();
    for host in INWARD {
        let Ok(url) = url::Url::parse(&format!("http://{host}:{port}/hook")) else {
            continue; // What cannot be parsed is never called.
        };
        let mut request = Request::get(url);
        request.timeout = Duration::from_secs(3);
        let answer = net.call(&request).await;
        // A name that this machine does not know is as good as refused.
        let unknown = matches!(&answer, Err(NetError::Unreachable { why, .. }) if why.contains("lookup") || why.contains("resolve") || why.contains("Name or service"));
        assert!(
            unknown || matches!(answer, Err(NetError::Forbidden { .. })),
            "{host}: {answer:?}"
        );
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_inward_is_not_followed() {
    let inner = HttpApi::start(|_, _| (200, "text/plain", "secret".to_owned())).await;
    let outer = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = outer.local_addr().unwrap().port();
    let target = inner.address.clone();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        while let Ok((mut stream, _)) = outer.accept().await {
            let mut read = [0; 1024];
            drop(stream.read(&mut read).await);
            let answer =
                format!("HTTP/1.1 307 Go\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    let guard = Guard::parse(&["127.0.0.1".to_owned()]).unwrap();
    let net = Http::new(guard, None).unwrap();
    let url = url::Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
    let reply = net.call(&Request::get(url)).await.unwrap();
    assert_eq!(reply.status, 307);
    assert!(inner.asked().is_empty());
}

#[test]
fn a_name_that_leads_inward_is_judged_by_where_it_leads() {
    // Rebinding: the resolver hands out only admitted addresses, and those are connected to.
    let guard = Guard::parse(&["10.0.0.5/32".to_owned(), "crm.internal".to_owned()]).unwrap();
    let cases = [
        ("rebind.example", "127.0.0.1", false),
        ("rebind.example", "::ffff:10.0.0.1", false),
        ("rebind.example", "169.254.169.254", false),
        ("rebind.example", "93.184.216.34", true),
        ("rebind.example", "10.0.0.5", true),
        ("rebind.example", "10.0.0.6", false),
        ("crm.internal", "10.0.0.6", true),
        ("CRM.internal", "192.168.1.1", true),
        ("evil-crm.internal", "192.168.1.1", false),
        ("rebind.example", "64:ff9b::a00:1", false),
        ("rebind.example", "2606:4700::1", true),
    ];
    for (host, address, admitted) in cases {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(guard.admits(host, address), admitted, "{host} {address}");
    }
}

/// A listener that hangs up at once, and how often it was called.
async fn counting(host: &str) -> (u16, Arc<AtomicUsize>) {
    let reached = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind((host, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::clone(&reached);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, reached)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_of_the_environment_is_not_asked() {
    let (port, asked) = counting("127.0.0.1").await;
    let (inner, reached) = counting("127.0.0.2").await;
    let hook = Receiver::start().await;
    let proxy = format!("http://127.0.0.1:{port}");
    let mut rig = Rig::new(BINARY, 0, &hook, "");
    for key in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        rig = rig.set(key, &proxy).set(&key.to_lowercase(), &proxy);
    }
    // The addresses inside are refused; the names that nobody knows would be the proxy's to resolve.
    let bases = [
        format!("http://127.0.0.2:{inner}"),
        format!("https://127.0.0.2:{inner}"),
        "http://shop.invalid".to_owned(),
        "https://shop.invalid".to_owned(),
    ];
    let mut plan = rig.plan("");
    let mut event = "[event.buy]\n".to_owned();
    for (number, base) in bases.iter().enumerate() {
        rig = rig.set(&format!("W{number}"), &format!("{base}/hook"));
        plan.push_str(&format!(
            "[source.x{number}]\ntype = \"http\"\nbase_url = \"{base}\"\nrequest = {{ path = \"/x\", query = {{ since = \"{{from}}\" }} }}\nrows = \"$[*]\"\n\
             [route.r{number}]\nwebhook = {{ env = \"W{number}\" }}\n"
        ));
        event.push_str(&format!("in.x{number} = true\n"));
    }
    rig.write("truecount.toml", &format!("{plan}{event}"));
    let run = |words: &[&str]| {
        let done = rig.command(words).output().unwrap();
        let both = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8(both).unwrap())
    };
    let (pulled, told) = run(&["pull"]);
    assert!(!pulled && told.contains("127.0.0.2"), "{told}");
    for number in 0..bases.len() {
        assert!(told.contains(&format!("x{number}")), "{told}");
        let (sent, told) = run(&["notify", "test", &format!("r{number}")]);
        assert!(!sent && told.contains("NOT taken"), "{told}");
    }
    // The way that is allowed goes straight to its receiver.
    let (sent, told) = run(&["notify", "test", "default"]);
    assert!(sent, "{told}");
    assert_eq!(hook.count(), 1);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

/// Names that lead inward where the proxy resolves them.
const INWARD_NAMES: &[&str] = &[
    "shop.localhost",
    "localhost.localdomain",
    "ip6-loopback",
    "metadata",
    "metadata.google.internal",
    "METADATA.google.internal.",
    "printer.local",
    "db.corp",
    "router.home.arpa",
    "ｌｏｃａｌｈｏｓｔ",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_is_not_asked_for_what_is_inside() {
    let proxy = HttpApi::start(|_, _| (200, "text/plain", "by proxy".to_owned())).await;
    let net = Http::new(Guard::default(), Some(&proxy.address)).unwrap();
    for host in INWARD.iter().chain(INWARD_NAMES) {
        for scheme in ["http", "https"] {
            let Ok(url) = url::Url::parse(&format!("{scheme}://{host}/hook")) else {
                continue; // What cannot be parsed is never called.
            };
            let answer = net.call(&Request::get(url)).await;
            assert!(
                matches!(answer, Err(NetError::Forbidden { .. })),
                "{host}: {answer:?}"
            );
        }
    }
    assert!(proxy.asked().is_empty());
    let get = |text: &str| Request::get(url::Url::parse(text).unwrap());
    // The proxy itself may be inside, by address and by name; what is allowed by name goes through.
    let port = proxy.address.rsplit(':').next().unwrap();
    let allowed = Guard::parse(&["crm.internal".to_owned()]).unwrap();
    for address in [
        proxy.address.clone(),
        format!("http://localhost:{port}"),
        format!("localhost:{port}"),
    ] {
        let net = Http::new(allowed.clone(), Some(&address)).unwrap();
        for host in [
            "shop.example",
            "crm.internal",
            "CRM.internal.",
            "localhost.example",
        ] {
            let reply = net.call(&get(&format!("http://{host}/x"))).await;
            assert_eq!(reply.unwrap().body, b"by proxy", "{address} {host}");
        }
        let inner = net.call(&get(&format!("http://localhost:{port}/x"))).await;
        assert!(
            matches!(inner, Err(NetError::Forbidden { .. })),
            "{inner:?}"
        );
    }
    assert_eq!(proxy.asked().len(), 12);
}
