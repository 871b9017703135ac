import { provideVSCodeDesignSystem, vsCodeButton, vsCodeTextField } from '@vscode/webview-ui-toolkit';

/**
 * Registers the toolkit's elements that are used; whoever shows one imports this. Only those in which the toolkit is good,
 * and of which a page has few: each is a shadow tree of its own, and rows by the hundred are made of native elements. Its
 * dropdown, checkbox and progress ring are left out: native ones are better known to screen readers, and smaller.
 */
provideVSCodeDesignSystem().register(vsCodeButton(), vsCodeTextField());
