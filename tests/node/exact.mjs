// A third-party WebSocket client (`ws`): for each subprotocol, with and without permessage-deflate, sends a message and
// prints each message of the server as a line of hex.
//
//     node exact.mjs URL HEX-TO-SEND TEXT-TO-SEND
import WebSocket from 'ws';

const [url, binary, text] = process.argv.slice(2);
for (const subprotocol of ['updraft.v1.proto', 'updraft.v1.json']) {
    for (const offer of ['plain', 'deflate']) {
        const report = (...words) => console.log([subprotocol, offer, ...words].join(' '));
        const perMessageDeflate = offer === 'deflate' ? { threshold: 0 } : false;
        const socket = new WebSocket(url, [subprotocol], { perMessageDeflate });
        socket.on('open', () => {
            report('agreed', socket.protocol, socket.extensions.includes('permessage-deflate') ? 'deflate' : 'plain');
            socket.send(subprotocol.endsWith('json') ? text : Buffer.from(binary, 'hex'));
        });
        socket.on('message', (data, isBinary) => report(isBinary ? 'binary' : 'text', data.toString('hex')));
        socket.on('close', (code) => report('closed', code));
        socket.on('error', (error) => report('error', error));
    }
}
