import assert from 'node:assert/strict';
import { isKnot, isSafeLink, toHtml } from '../../../webview/lib/playground/markdown.js';

describe('Markdown as HTML', () => {
  it('has nothing of the writer’s own HTML', () => {
    const html = toHtml(
      'a <script>alert(1)</script> <img src=x onerror=alert(1)>\n\n<iframe src="https://x.y"></iframe>\n\n<div onclick=a>b</div>',
    );
    assert.deepEqual(
      [...html.matchAll(/<[a-z/][^>]*>/g)].map(([tag]) => tag).filter((tag) => !/^<\/?(p|br)>$/.test(tag)),
      [],
    );
    assert.match(html, /&#60;script&#62;/);
    assert.equal(toHtml('a<br>b').trim(), '<p>a<br>b</p>');
    assert.match(toHtml('a<br onload=x>b'), /&#60;br onload=x&#62;/);
  });

  it('links to https alone, and loads no image', () => {
    const html = toHtml(
      '[a](javascript:alert(1)) [b](http://x.y) [c](data:text/html,x) [d](vscode://x) [e](//x.y) [f](https://x.y/"z) ![g](https://x.y/g.png) <javascript:alert(1)> [h](JaVaScRiPt:x) [i](&#106;avascript:x)',
    );
    assert.deepEqual(
      [...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href),
      ['https://x.y/&#34;z', 'https://x.y/g.png'],
    );
    assert.ok(!html.includes('<img'));
    assert.equal(isSafeLink('https://a.b/c'), true);
    for (const href of [
      'http://a.b',
      'https:/a',
      'https://',
      'javascript:https://a.b',
      ' https://a.b',
      'https://a.b@c.d/',
      'https://a.b%2F@c.d',
      'https://:x@c.d',
      `https://a/${'名'.repeat(500)}`,
      `https://a/${'b'.repeat(3000)}`,
    ])
      assert.equal(isSafeLink(href), false, href);
  });

  it('shows boxes as signs, and code as it is', () => {
    assert.match(toHtml('- [x] done\n- [ ] open'), /☑ .*done[\s\S]*☐ .*open/);
    assert.equal(
      toHtml('```js"><b>\n<b>&\n```').trim(),
      '<pre><code class="language-js">&#60;b&#62;&#38;</code></pre>',
    );
  });

  it('survives whatever is broken', () => {
    for (const text of [
      '**a',
      '[a](',
      '```',
      '> '.repeat(400),
      '| a |\n|--',
      '\u202e[x](https://y.z)',
      '<!--',
      '&#0;',
      '\0',
    ])
      assert.equal(typeof toHtml(text), 'string');
  });

  it('leaves to itself what would take the parser long', () => {
    for (const text of [
      '_a_'.repeat(1_300),
      '<'.repeat(4_000),
      '['.repeat(4_000),
      '*a '.repeat(1_300),
      '~~a'.repeat(1_300),
    ])
      assert.equal(isKnot(text), true);
    assert.equal(isKnot('*a* '.repeat(20)), false);
    assert.equal(isKnot('Some **bold** words and a [link](https://a.b), as people write them. '.repeat(60)), false);
  });
});
