# ruff: noqa: E501  (log lines stand as databases, brokers, caches and their clients write them)
"""Databases, caches, queues and other things that workloads depend on: modes 38 to 46."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.bench.rootcause_scenarios.case import Scene, incident
from tests.bench.rootcause_scenarios.estate import DAY, counter, jump, ramp, steady


def store(s: Scene, name: str, image: str, port: int, log: str = "", **made: Any) -> Any:
    """A healthy store in the cluster, older than the incident, with its Service."""
    app = s.d.app(s.space, name, kind="StatefulSet", replicas=1, age=30 * DAY, labels=s.labels(name),
                  c={"image": image, "ports": [{"containerPort": port}]}, **made)  # fmt: skip
    s.d.service(s.space, name, selector=s.labels(name), ports=[{"name": "tcp", "port": port, "targetPort": port}])
    s.d.connect(s.space, name, port)
    s.d.call(f"{s.space}/{s.name}", f"{s.space}/{name}")
    if log:
        app.log(log)
    return app


def env(**values: str) -> dict[str, Any]:
    return {"env": [{"name": k, "value": v} for k, v in values.items()]}


# Unreachable

UNREACHABLE = (
    ("pika_connect_timeout", "AMQPConnector - reporting failure: AMQPConnectorSocketConnectError: TimeoutError(\"TCP connection attempt timed out: 'amqp.vendor.example'/(<AddressFamily.AF_INET: 2>, <SocketKind.SOCK_STREAM: 1>, 6, '', ('203.0.113.9', 5672))\")\n", "amqp.vendor.example:5672", "AMQPConnectorSocketConnectError", "pika pika/adapters/utils/connection_workflow.py"),
    ("etcd_unary_invoker", '{"level":"warn","ts":"2025-03-14T09:28:44.120Z","caller":"v3/retry_interceptor.go:63","msg":"retrying of unary invoker failed","target":"etcd-endpoints://0xc000/etcd.vendor.example:2379","attempt":0,"error":"rpc error: code = DeadlineExceeded desc = latest balancer error: connection error"}\nfatal: cannot load leases\n', "etcd.vendor.example:2379", "retrying of unary invoker failed", "etcd client/v3/retry_interceptor.go"),
    ("libpq_server_running", "psycopg2.OperationalError: connection to server at \"pg.vendor.example\" (203.0.113.9), port 5432 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n", "pg.vendor.example:5432", "Is the server running on that host", "postgres src/interfaces/libpq/fe-connect.c"),
    ("kafka_node_not_available", "[Producer clientId=solver-1] Connection to node -1 (kafka.vendor.example/203.0.113.9:9092) could not be established. Node may not be available.\n[Producer clientId=solver-1] Bootstrap broker kafka.vendor.example:9092 (id: -1 rack: null) disconnected\n", "kafka.vendor.example:9092", "could not be established. Node may not be available", "apache/kafka NetworkClient.java"),
    ("mongo_server_selection", "pymongo.errors.ServerSelectionTimeoutError: mongo.vendor.example:27017: timed out (configured timeouts: socketTimeoutMS: 20000.0ms, connectTimeoutMS: 20000.0ms), Timeout: 30s, Topology Description: <TopologyDescription id: 67d3, topology_type: Unknown>\n", "mongo.vendor.example:27017", "ServerSelectionTimeoutError", "mongodb/mongo-python-driver pymongo/errors.py"),
    ("mysql_cannot_connect", "sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (2003, \"Can't connect to MySQL server on 'mysql.vendor.example' ([Errno 110] Connection timed out)\")\n", "mysql.vendor.example:3306", "Can't connect to MySQL server on", "mysql include/errmsg.h CR_CONN_HOST_ERROR"),
)  # fmt: skip


def _unreachable(log: str, address: str) -> Any:
    def build(s: Scene) -> None:
        s.victim(c=env(BACKEND_ADDR=address))
        s.crash(1, log)

    return build


for _name, _log, _address, _words, _source in UNREACHABLE:
    incident("dependency_unreachable", needs="logs", near=("app_exception",), words=_words, source=_source, name=_name)(
        _unreachable(_log, _address)
    )

# Credentials, ports, connections

CREDENTIALS = (
    ("neo4j_unauthorized", "docker.io/library/neo4j:5.20", 7687, "neo4j.exceptions.AuthError: {code: Neo.ClientError.Security.Unauthorized} {message: The client is unauthorized due to authentication failure.}\n", "The client is unauthorized due to authentication failure", "Neo4j status codes"),
    ("sqlserver_login_failed_in_cluster", "mcr.microsoft.com/mssql/server:2022-latest", 1433, "mssql: login error: Login failed for user 'orbit'. Reason: Password did not match that for the login provided. [CLIENT: 10.244.0.31]\n", "Password did not match that for the login", "Microsoft SQL Server error 18456"),
    ("mongo_scram_mismatch", "docker.io/library/mongo:7.0", 27017, "MongoServerError: Authentication failed.\n    at Connection.onMessage (/app/node_modules/mongodb/lib/cmap/connection.js:231:30) {\n  ok: 0,\n  code: 18,\n  codeName: 'AuthenticationFailed'\n}\n", "codeName: 'AuthenticationFailed'", "mongodb/mongo src/mongo/base/error_codes.yml"),
    ("cassandra_incorrect_password", "docker.io/library/cassandra:4.1", 9042, "cassandra.cluster.NoHostAvailable: ('Unable to connect to any servers', {'10.244.0.7:9042': AuthenticationFailed('Failed to authenticate to 10.244.0.7:9042: Error from server: code=0100 [Bad credentials] message=\"Provided username orbit and/or password are incorrect\"')})\n", "and/or password are incorrect", "apache/cassandra PasswordAuthenticator.java"),
    ("mysql_access_denied", "docker.io/library/mysql:8.4.0", 3306, "Error 1045 (28000): Access denied for user 'orbit'@'10.244.0.31' (using password: YES)\n", "", "mysql share/messages_to_clients.txt"),
    ("clickhouse_authentication", "docker.io/clickhouse/clickhouse-server:24.3", 8123, "Code: 516. DB::Exception: orbit: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED) (version 24.3.2)\n", "password is incorrect, or there is no user with such name", "ClickHouse src/Access/AccessControl.cpp"),
)  # fmt: skip


def _against(
    image: str,
    port: int,
    log: str,
    *,
    crash: bool = True,
    store_log: str = "ready\n",
    at_port: int = 0,
    after: Callable[[Scene], None] | None = None,
) -> Any:
    """The victim fails against a store of the cluster that itself is well."""

    def build(s: Scene) -> None:
        store(s, "orbit-store", image, port, store_log)
        s.victim(
            c=env(STORE_ADDR=f"orbit-store.{s.space}.svc.cluster.local:{at_port or port}"),
            age=45 if crash else 20 * DAY,
        )
        if crash:
            s.crash(1, log)
        else:
            s.app.log("INFO 200 GET /v1/orbits\n" * 4 + log * 8)
        if after:
            after(s)

    return build


_STORE = ("StatefulSet orbit-store", "Service orbit-store")
for _name, _image, _port, _log, _words, _source in CREDENTIALS:
    incident(
        "db_bad_credentials", needs="logs", near=("app_exception",), words=_words or (), source=_source, name=_name
    )(_against(_image, _port, _log))

DB_PORTS = (
    ("jdbc_link_failure_on_another_port", "docker.io/library/mysql:8.4.0", 3306, 3307, "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure\n\nThe last packet sent successfully to the server was 0 milliseconds ago. The driver has not received any packets from the server.\nCaused by: java.net.ConnectException: Connection refused\n", "The driver has not received any packets from the server", "mysql-connector-j LocalizedErrorMessages.properties"),
    ("psql_on_the_pooler_port", "docker.io/library/postgres:16.3", 5432, 6432, "pq: dial tcp 10.96.7.7:6432: connect: connection refused\nfatal: cannot ping the database at orbit-store:6432\n", "cannot ping the database", "an application's own log"),
    ("mongo_on_an_old_port", "docker.io/library/mongo:7.0", 27017, 27018, "MongoNetworkError: connect ECONNREFUSED 10.96.7.7:27018\n    at connectionFailureError (/app/node_modules/mongodb/lib/cmap/connect.js:379:20)\n", "MongoNetworkError: connect ECONNREFUSED", "mongodb/node-mongodb-native src/cmap/connect.ts"),
)  # fmt: skip
for _name, _image, _port, _at, _log, _words, _source in DB_PORTS:
    incident(
        "db_wrong_port",
        needs="logs",
        near=("app_exception", "dependency_unreachable"),
        words=_words,
        source=_source,
        name=_name,
    )(_against(_image, _port, _log, at_port=_at))

CONNECTIONS = (
    ("prisma_pool_timeout", "docker.io/library/postgres:16.3", 5432, "PrismaClientKnownRequestError: Timed out fetching a new connection from the connection pool. More info: http://pris.ly/d/connection-pool (Current connection pool timeout: 10, connection limit: 5)\n  code: 'P2024'\n", "FATAL:  sorry, too many clients already\n" * 3, "Timed out fetching a new connection from", "prisma error reference P2024"),
    ("rails_pool_in_use", "docker.io/library/postgres:16.3", 5432, "ActiveRecord::ConnectionTimeoutError: could not obtain a connection from the pool within 5.000 seconds (waited 5.001 seconds); all pooled connections were in use\n", "LOG:  checkpoint starting: time\n", "all pooled connections were in use", "rails activerecord connection_pool.rb"),
    ("postgres_reserved_slots", "docker.io/library/postgres:16.3", 5432, "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute\n", "FATAL:  sorry, too many clients already\nFATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute\n" * 4, "remaining connection slots are reserved for roles", "postgres src/backend/utils/init/postinit.c"),
    ("mysql_too_many", "docker.io/library/mysql:8.4.0", 3306, "Error 1040 (08004): Too many connections\n", "[Warning] [MY-010055] [Server] IP address '10.244.0.31' could not be resolved\n", "", "mysql share/messages_to_clients.txt"),
    ("sqlalchemy_queue_pool", "docker.io/library/postgres:16.3", 5432, "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00 (Background on this error at: https://sqlalche.me/e/20/3o7r)\n", "LOG:  checkpoint starting: time\n", "QueuePool limit of size", "sqlalchemy lib/sqlalchemy/pool/impl.py"),
    ("pgbouncer_max_client", "docker.io/bitnami/pgbouncer:1.22", 6432, "FATAL: no more connections allowed (max_client_conn)\n", "WARNING C-0x55: (nodb)/(nouser)@10.244.0.31:50122 pooler error: no more connections allowed (max_client_conn)\n" * 5, "no more connections allowed (max_client_conn)", "pgbouncer src/client.c"),
)  # fmt: skip
for _name, _image, _port, _log, _store_log, _words, _source in CONNECTIONS:
    incident("db_connections_exhausted", needs="logs", words=_words or (), source=_source, name=_name, refs=_STORE)(
        _against(_image, _port, _log, crash=False, store_log=_store_log))  # fmt: skip

READ_ONLY = (
    ("postgres_in_recovery", "docker.io/library/postgres:16.3", 5432, "ERROR:  cannot execute nextval() during recovery\nSTATEMENT:  SELECT nextval('plates_id_seq')\n", "cannot execute nextval() during recovery", "postgres src/backend/tcop/utility.c PreventCommandDuringRecovery"),
    ("redis_replica_refuses_writes", "docker.io/library/redis:7.2", 6379, "ReplyError: READONLY You can't write against a read only replica.\n    at parseError (/app/node_modules/redis-parser/lib/parser.js:179:12)\n", "write against a read only replica", "redis src/server.c"),
    ("postgres_read_only_transaction", "docker.io/library/postgres:16.3", 5432, "ERROR:  cannot execute INSERT in a read-only transaction\nSTATEMENT:  INSERT INTO plates VALUES ($1)\n", "cannot execute INSERT in a read-only transaction", "postgres src/backend/tcop/utility.c"),
    ("mysql_super_read_only", "docker.io/library/mysql:8.4.0", 3306, "ERROR 1290 (HY000): The MySQL server is running with the --super-read-only option so it cannot execute this statement\n", "", "mysql share/messages_to_clients.txt"),
    ("mongo_not_primary", "docker.io/library/mongo:7.0", 27017, "MongoServerError: not primary\n  code: 10107,\n  codeName: 'NotWritablePrimary'\n", "codeName: 'NotWritablePrimary'", "mongodb/mongo src/mongo/base/error_codes.yml"),
    ("sqlite_readonly", "docker.io/rqlite/rqlite:8.23", 4001, "sqlite3.OperationalError: attempt to write a readonly database\n", "attempt to write a readonly database", "sqlite src/main.c sqlite3ErrStr"),
)  # fmt: skip
for _name, _image, _port, _log, _words, _source in READ_ONLY:
    incident("db_read_only", needs="logs", words=_words or (), source=_source, name=_name, refs=_STORE)(
        _against(_image, _port, _log, crash=False)
    )


def _slow(s: Scene) -> None:
    s.d.metric(
        "db_client_operation_duration_seconds_p95",
        jump(0.012, 9.4, 24),
        namespace=s.space,
        service=s.name,
        db_system="sql",
        server_address="orbit-store",
    )
    s.d.metric(
        "latency_p95_seconds", jump(0.08, 9.8, 24), namespace=s.space, workload_kind="Deployment", workload=s.name
    )
    s.d.metric(
        "container_cpu_usage_seconds_total",
        counter(jump(0.2, 0.9, 24)),
        namespace=s.space,
        pod="orbit-store-0",
        container="orbit-store",
    )
    s.d.alert(
        "RequestLatencyHigh",
        f"95th percentile latency of {s.name} is 9.8 s.",
        namespace=s.space,
        service=s.name,
        ago=21,
    )


SLOW = (
    ("postgres_lock_timeout", "docker.io/library/postgres:16.3", 5432, "ERROR: canceling statement due to lock timeout (SQLSTATE 55P03)\n", "LOG:  duration: 41204.331 ms  execute <unnamed>: UPDATE plates SET state = $1 WHERE frame = $2\n" * 5, "canceling statement due to lock timeout", "postgres src/backend/tcop/postgres.c"),
    ("mysql_statement_time", "docker.io/library/mysql:8.4.0", 3306, "Error 3024 (HY000): Query execution was interrupted, maximum statement execution time exceeded\n", "# Query_time: 30.000713  Lock_time: 0.000002 Rows_sent: 0  Rows_examined: 48211330\nSELECT * FROM plates WHERE note LIKE '%late%';\n" * 4, "maximum statement execution time exceeded", "mysql share/messages_to_clients.txt"),
    ("postgres_waits_for_a_lock", "docker.io/library/postgres:16.3", 5432, "WARN query took 9421 ms: UPDATE plates SET state = $1\n", "LOG:  process 2211 still waiting for ShareLock on transaction 1178 after 1000.129 ms\nDETAIL:  Process holding the lock: 1664. Wait queue: 2211, 2213.\nSTATEMENT:  UPDATE plates SET state = $1 WHERE id = $2\n" * 5, "still waiting for ShareLock on transaction", "postgres src/backend/storage/lmgr/proc.c"),
    ("mongo_collection_scan", "docker.io/library/mongo:7.0", 27017, "WARN find on orbits took 9120 ms\n", '{"t":{"$date":"2025-03-14T09:28:44.120Z"},"s":"I","c":"COMMAND","id":51803,"ctx":"conn42","msg":"Slow query","attr":{"type":"command","ns":"sky.orbits","planSummary":"COLLSCAN","docsExamined":4821133,"nreturned":2,"durationMillis":9118}}\n' * 6, '"planSummary":"COLLSCAN"', "mongodb/mongo slow query log"),
    ("mysql_lock_wait", "docker.io/library/mysql:8.4.0", 3306, "Error 1205 (HY000): Lock wait timeout exceeded; try restarting transaction\n", "# Query_time: 51.204113  Lock_time: 50.000421 Rows_sent: 0  Rows_examined: 0\nUPDATE plates SET state = 3 WHERE id = 9;\n" * 4, "Rows_examined: 0", "mysql sql/log.cc"),
)  # fmt: skip
for _name, _image, _port, _log, _store_log, _words, _source in SLOW:
    incident("db_slow_query_or_missing_index", needs="logs", words=_words, source=_source, name=_name, refs=_STORE)(
        _against(_image, _port, _log, crash=False, store_log=_store_log, after=_slow))  # fmt: skip

CACHES = (
    ("redis_no_permissions", "docker.io/library/redis:7.2", 6379, "ReplyError: NOPERM this user has no permissions to run the 'set' command\n", "NOPERM this user has no permissions", "redis src/acl.c"),
    ("lettuce_hello_without_auth", "docker.io/library/redis:7.2", 6379, "io.lettuce.core.RedisCommandExecutionException: NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time\n", "HELLO must be called with the client already authenticated", "redis src/networking.c"),
    ("redis_maxmemory", "docker.io/library/redis:7.2", 6379, "redis.exceptions.OutOfMemoryError: command not allowed when used memory > 'maxmemory'.\n", "command not allowed when used memory", "redis src/server.c; redis-py"),
    ("memcached_out_of_memory", "docker.io/library/memcached:1.6", 11211, "pylibmc.ServerError: error 5 from memcached_set(plate:77): (0x55d0) SERVER_ERROR out of memory storing object\n", "SERVER_ERROR out of memory storing object", "memcached proto_text.c"),
    ("valkey_wrongpass", "docker.io/valkey/valkey:8.0", 6379, "WRONGPASS invalid username-password pair or user is disabled.\n", "", "valkey src/acl.c"),
)  # fmt: skip
for _name, _image, _port, _log, _words, _source in CACHES:
    incident("cache_auth_or_memory", needs="logs", words=_words or (), source=_source, name=_name, refs=_STORE)(
        _against(_image, _port, _log, crash=False)
    )


# Queues


def _lag(metric: str, labels: dict[str, str]) -> Callable[[Scene], None]:
    def after(s: Scene) -> None:
        s.d.metric(metric, ramp(40, 91_000, 30), namespace=s.space, **labels)
        s.d.alert(
            "ConsumerLagHigh", f"Consumer group {s.name} lags 91k messages behind.", namespace=s.space, service=s.name
        )

    return after


LAGS = (
    ("streams_deserialization", "docker.io/apache/kafka:3.7.0", 9092, "ERROR o.a.k.s.e.LogAndFailExceptionHandler - Exception caught during Deserialization, taskId: 0_0, topic: plates, partition: 0, offset: 7936\n", "kafka_consumergroup_lag", {"topic": "plates", "partition": "0"}, "Exception caught during Deserialization", "apache/kafka streams LogAndFailExceptionHandler.java"),
    ("deserialization_at_one_offset", "docker.io/apache/kafka:3.7.0", 9092, "org.apache.kafka.common.errors.RecordDeserializationException: Error deserializing key/value for partition plates-0 at offset 7936. If needed, please seek past the record to continue consumption.\n", "kafka_consumergroup_lag", {"topic": "plates", "partition": "0"}, "please seek past the record to continue consumption", "apache/kafka CompletedFetch.java"),
    ("spring_backoff_exhausted", "docker.io/apache/kafka:3.7.0", 9092, "o.s.k.l.DefaultErrorHandler : Backoff FixedBackOff{interval=0, currentAttempts=10, maxAttempts=9} exhausted for plates-0@7936\norg.springframework.kafka.listener.ListenerExecutionFailedException: Listener method could not be invoked with the incoming message\n", "kafka_consumergroup_lag", {"topic": "plates", "partition": "0"}, "Listener method could not be invoked", "spring-kafka FailedRecordTracker.java"),
    ("rabbit_redelivers_for_ever", "docker.io/library/rabbitmq:3.13", 5672, "WARN o.s.a.r.l.ConditionalRejectingErrorHandler : Execution of Rabbit message listener failed. redelivered=true deliveryTag=88123 messageId=7936\n", "rabbitmq_queue_messages_ready", {"queue": "plates"}, "Execution of Rabbit message listener failed", "spring-amqp ConditionalRejectingErrorHandler.java"),
)  # fmt: skip
for _name, _image, _port, _log, _metric, _labels, _words, _source in LAGS:
    incident("queue_lag_or_poison_message", needs="logs", near=("app_exception",), words=_words, source=_source, name=_name)(
        _against(_image, _port, _log, crash=False, after=_lag(_metric, _labels)))  # fmt: skip


def _split(image: str, port: int, broker_log: str, client_log: str, alert: str) -> Any:
    def build(s: Scene) -> None:
        broker = store(s, "orbit-store", image, port)
        broker.log(broker_log * 3)
        s.victim(age=20 * DAY, c=env(STORE_ADDR=f"orbit-store:{port}"))
        s.app.log(client_log * 6)
        s.d.alert("BrokerClusterPartition", alert, namespace=s.space, service="orbit-store", severity="critical")
        s.d.metric("up", steady(1), namespace=s.space, pod="orbit-store-0", job="orbit-store")

    return build


SPLITS = (
    ("bookies_not_enough", "docker.io/apachepulsar/pulsar:3.2", 6650, "ERROR org.apache.bookkeeper.client.BookieWatcherImpl - Failed to create ledger: BKNotEnoughBookiesException: Not enough non-faulty bookies available\n", "org.apache.pulsar.client.api.PulsarClientException$BrokerPersistenceException: Not enough non-faulty bookies available\n", "Pulsar ledgers cannot be written: bookies are unavailable.", "Not enough non-faulty bookies available", "apache/bookkeeper BKException.java"),
    ("rabbit_mnesia", "docker.io/library/rabbitmq:3.13", 5672, "2025-03-14 09:05:37.324 [error] <0.341.0> Mnesia('rabbit@orbit-store-0'): ** ERROR ** mnesia_event got {inconsistent_database, running_partitioned_network, 'rabbit@orbit-store-1'}\n", "AMQP channel closed: NOT_FOUND - queue 'plates' in vhost '/' process is stopped by supervisor\n", "RabbitMQ cluster reports network partitions.", "running_partitioned_network", "rabbitmq-server deps/rabbit/src/rabbit_node_monitor.erl"),
    ("kafka_below_min_isr", "docker.io/apache/kafka:3.7.0", 9092, "[Partition plates-0 broker=1] Shrinking ISR from 1,2,3 to 1. Leader: (highWatermark: 4410, endOffset: 4471). Out of sync replicas: (brokerId: 2) (brokerId: 3).\n", "org.apache.kafka.common.errors.NotEnoughReplicasException: Messages are rejected since there are fewer in-sync replicas than required.\n", "Kafka has 14 under-replicated partitions.", "Messages are rejected since there are fewer in-sync replicas than required", "apache/kafka Errors.java"),
    ("nats_no_meta_leader", "docker.io/library/nats:2.10", 4222, "[WRN] JetStream cluster consumer '$G > PLATES > solver' has NO quorum, stalled.\n[WRN] JetStream cluster stream '$G > PLATES' has NO quorum, stalled\n", "nats: JetStream system temporarily unavailable\n", "NATS JetStream stream has no quorum.", "has NO quorum, stalled", "nats-server server/jetstream_cluster.go"),
)  # fmt: skip
for _name, _image, _port, _broker, _client, _alert, _words, _source in SPLITS:
    incident("broker_partition", needs="logs", words=_words, source=_source, name=_name, refs=_STORE)(
        _split(_image, _port, _broker, _client, _alert)
    )
