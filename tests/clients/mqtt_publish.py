"""Publishes frames with paho-mqtt and prints the result.

mqtt_publish.py PORT VERSION QOS KEEPALIVE TOPIC HEX...

VERSION is 3.1, 3.1.1 or 5. Prints one JSON line: the reason of CONNACK, the number of messages that paho considers
published (at QoS 1 after PUBACK, at QoS 2 after PUBCOMP), and the reason codes of a SUBSCRIBE to all topics.
"""

import json
import sys
import threading

import paho.mqtt.client as mqtt

VERSIONS = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5": mqtt.MQTTv5}


def main():
    port, version, qos, keepalive, topic = sys.argv[1:6]
    payloads = [bytes.fromhex(text) for text in sys.argv[6:]]
    client = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2,
        client_id="receiver/+#$",
        protocol=VERSIONS[version],
        **({} if version == "5" else {"clean_session": False}),
    )
    client.will_set("fb/b/1/f", b"a will is old", qos=1)
    connected, subscribed, published = threading.Event(), threading.Event(), threading.Semaphore(0)
    result = {}

    def on_connect(_client, _data, _flags, reason, _properties):
        result["connack"] = str(reason)
        connected.set()

    def on_subscribe(_client, _data, _mid, reasons, _properties):
        result["suback"] = [reason.value for reason in reasons]
        subscribed.set()

    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_publish = lambda *_arguments: published.release()
    client.connect("127.0.0.1", int(port), keepalive=int(keepalive))
    client.loop_start()
    assert connected.wait(20), "no CONNACK"
    client.subscribe([("#", 1), ("fb/b/+/f/#", 1)])
    assert subscribed.wait(20), "no SUBACK"
    for payload in payloads:
        client.publish(topic, payload, qos=int(qos), retain=True)
    for _ in payloads:
        assert published.acquire(timeout=20), "a message was not acknowledged"
    result["published"] = len(payloads)
    client.disconnect()
    client.loop_stop()
    print(json.dumps(result))


main()
