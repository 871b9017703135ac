import '../styles/base.css';
import { startPage } from '../lib/startPage.js';
import KeysPage from './keys/KeysPage.svelte';

startPage(KeysPage);
