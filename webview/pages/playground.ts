import '../styles/base.css';
import '../styles/answer.css';
import { startPage } from '../lib/startPage.js';
import PlaygroundPage from './playground/PlaygroundPage.svelte';

startPage(PlaygroundPage);
