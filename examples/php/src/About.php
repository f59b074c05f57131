<?php

namespace Hello;

/** What Portside tells every instance about itself, in its environment. */
final class About
{
    public static function line(): string
    {
        $app = getenv('PORTSIDE_APP') ?: 'your app';
        $release = getenv('RELEASE_VERSION') ?: 'your laptop';
        $greeting = getenv('GREETING') ?: 'Hello';
        return "$greeting from $app, release $release.\n";
    }
}
